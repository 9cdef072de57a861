"""What is usual among subjects: expectations by age and sex, and scores of a subject.

Arrays only; streamlines are summarised by subject before they come here.
"""
