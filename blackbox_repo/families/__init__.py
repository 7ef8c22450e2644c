"""What is particular to one family of blackboxes, such as the names that its papers give configurations."""
