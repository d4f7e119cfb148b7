"""What the API answers: pure functions from the relations `spans` and `logs` to plain data, no HTTP."""
