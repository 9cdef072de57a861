"""What models know of subjects: how they are drawn, and what is usual for one."""
