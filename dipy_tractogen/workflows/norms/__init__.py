"""Commands for what is usual among subjects, and for scores of one."""
