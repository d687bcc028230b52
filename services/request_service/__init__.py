"""request_service owns what was asked: intake, validation, references, and the read model behind every list.

It decides nothing about outcomes; where a request stands, it is told by events.
"""
