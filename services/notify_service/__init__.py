"""notify_service owns what people are told: channels, templates, deliveries and their retries.

It does not decide who may decide. An alert approves nothing: it carries a link to the portal.
"""
