"""The story of the demo: an access from request to audit, through REST API and command line, on a running stack.

    python -m examples.story --home var

Each step says in one line what it saw. The exit code is 0 only if every step was as it should be.
"""
