"""JSON Object Signing and Encryption: which algorithms, how keys are made, how tokens are minted and verified."""
