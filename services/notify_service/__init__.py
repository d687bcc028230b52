"""notify_service owns the emails to people: channels, templates, deliveries and their retries.

It does not decide who may decide. An alert approves nothing: it carries a link to the portal.
"""
