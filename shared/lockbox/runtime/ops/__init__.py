"""Operations of an operator: parked messages, outbox, topology."""
