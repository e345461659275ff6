"""What planning predicts, put to the test: times, the choice of method, memory."""
