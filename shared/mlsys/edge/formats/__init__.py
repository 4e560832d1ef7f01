"""Other services' formats of a prediction: pure translations both ways, to one engine."""
