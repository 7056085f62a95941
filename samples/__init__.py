"""The ground floor: words, tasks, storage, the audit set."""
