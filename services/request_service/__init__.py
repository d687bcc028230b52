"""request_service owns requests as they were asked: intake, validation, references, and the read model of every list.

It decides no outcome; the state of a request comes by events.
"""
