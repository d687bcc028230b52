"""The story of the demo: what Lockbox is for, through its public REST API and its command, on a stack that runs.

    python -m examples.story --home var

Each step says in one line what it saw. The exit code is 0 only if every step was as it should be.
"""
