"""What happened on which day: sums kept with every deed, so that a year's chart reads a few thousand rows and not a million tickets."""
