"""Operations on an approval: the rule of each on the approval's state, and the step that it takes.

Only the gate calls them, so that no caller reaches a step without its checks.
"""
