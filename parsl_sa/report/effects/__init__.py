"""Effects of one factor at a time, in the unit of their output, as sentences, tables and bars."""
