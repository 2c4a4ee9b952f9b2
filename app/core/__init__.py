"""What every capability stands on: time, events, the outbox, the database and Flask-AppBuilder made safe."""
