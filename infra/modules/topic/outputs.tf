output "name" {
  description = "Name of the topic, once its publishers may publish."
  value       = google_pubsub_topic.this[var.name].name
  depends_on  = [google_pubsub_topic_iam_member.publisher]
}

output "dead_letters" {
  description = "Name of the topic of dead letters, and of the subscription that keeps them."
  value       = google_pubsub_subscription.dead_letters.name
}
