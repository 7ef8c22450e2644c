"""Places that hold blackboxes, such as folders and buckets: finding, fetching, publishing and pinning."""
