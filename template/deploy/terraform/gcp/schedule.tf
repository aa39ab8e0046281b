# Every month. Whoever starts the line may do that, and nothing else.
resource "google_service_account" "schedule" {
  account_id   = "${local.short}-cron"
  display_name = "${local.name}: starts the line"

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_job_iam_member" "schedule" {
  name     = google_cloud_run_v2_job.line.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.schedule.member
}

resource "google_cloud_scheduler_job" "line" {
  name             = "${local.name}-line"
  region           = var.region
  schedule         = "17 3 1 * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "180s" # to be told that it has started

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.line.id}:run"

    oauth_token {
      service_account_email = google_service_account.schedule.email
    }
  }

  retry_config {
    retry_count          = 3
    min_backoff_duration = "60s"
  }

  depends_on = [google_cloud_run_v2_job_iam_member.schedule]
}

resource "google_monitoring_alert_policy" "schedule" {
  display_name          = "${local.name}: the line could not be started"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "Cloud Scheduler logs an error"
    condition_matched_log {
      filter = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=\"${google_cloud_scheduler_job.line.name}\" AND severity>=ERROR"
    }
  }

  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
    auto_close = "86400s"
  }

  documentation {
    content = "Nothing was run. Start it by the command that `terraform output -raw line` prints, and see why in the logs of Cloud Scheduler."
  }
}
