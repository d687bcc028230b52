"""request_service owns requests as they were asked: intake, validation, references, and the read model of every list.

It decides nothing about outcomes; where a request stands, it is told by events.
"""
