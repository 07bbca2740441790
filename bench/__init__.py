"""What the work costs, as ratios against a floor measured in the same run; never a test with a clock."""
