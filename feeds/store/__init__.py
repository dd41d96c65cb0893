"""The index: what was found in the folder, kept in a database. Knows SQL; knows no files, no formats and no HTTP."""
