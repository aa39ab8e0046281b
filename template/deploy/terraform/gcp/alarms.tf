resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  display_name = "${local.name}: ${each.key}"
  type         = "email"

  labels = {
    email_address = each.key
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_notification_channel" "webhook" {
  count = nonsensitive(var.alert_endpoint != "") ? 1 : 0

  display_name = "${local.name}: webhook"
  type         = "webhook_tokenauth"

  labels = {
    url = var.alert_endpoint
  }

  depends_on = [google_project_service.this]
}

locals {
  channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.id],
    google_monitoring_notification_channel.webhook[*].id,
  )
}

resource "google_monitoring_alert_policy" "line" {
  display_name          = "${local.name}: the line failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "A run failed, with all its tries"
    condition_threshold {
      filter          = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"${google_cloud_run_v2_job.line.name}\" AND metric.type=\"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result=\"failed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "The champion that there was serves on. docs/runbook.md says what to look at; what ends a container from outside, such as too little memory, is in the log of the job."
  }
}

# How long logs are kept: all of this Google Cloud project, which is why an environment has one of its own.
resource "google_logging_project_bucket_config" "default" {
  project        = var.project_id
  location       = "global"
  bucket_id      = "_Default"
  retention_days = var.log_retention_days
}
