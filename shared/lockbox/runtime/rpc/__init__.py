"""RPC: server, client, caller token, errors on the wire."""
