"""What `import hilum` gives: a function for each command, and a view of what it made, for scripts and notebooks.

A command is parsed, calls its function here and prints. `hilum/__init__.py` imports a module of this package when it is first asked for.
"""
