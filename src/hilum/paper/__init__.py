"""The report of the whole paper: its eleven tables and its figures beside this machine's, and its claims one by one."""
