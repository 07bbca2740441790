"""A real browser, worked by the pages' own words: nothing of it survives its run, and nothing is clicked twice."""
