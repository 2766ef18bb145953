"""The journal (main courante): append-only lines, seals, verification. Every other room writes here what it did."""
