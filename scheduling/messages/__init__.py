"""What is written to patients and nurses: words, their rendering, the length of texts, and when reminders go out."""
