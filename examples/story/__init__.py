"""The story of the demo: what Lockbox is for, through its public REST API and its command, on a stack that runs.

    python -m examples.story --accounts var/demo-accounts.json --mail var/mail --mongo-uri ... --database lockbox_audit

Each step says in one line what it saw. The exit code is 0 only if every step was as it should be.
"""
