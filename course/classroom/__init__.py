"""Exercise sheets that grade themselves: one source, three views.

A sheet is a pair of files, `<sheet>.py` (a notebook as text, with answers and
hidden tests) and `<sheet>.yml` (what it is for, rubrics, wrong answers). From
it come the page of the book, the notebook for students and the grading.
"""
