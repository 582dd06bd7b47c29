"""What several tests stand on: servers, workers, rehearsals."""
