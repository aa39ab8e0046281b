# Looked at from outside, as the callers see it: up, with a champion, and able to log its answers.
resource "google_monitoring_uptime_check_config" "api" {
  display_name = "${local.name}-api"
  period       = "300s"
  timeout      = "30s" # it may have to start first

  http_check {
    path         = "/ready"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    service_agent_authentication {
      type = "OIDC_TOKEN"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = trimprefix(local.api_url, "https://")
    }
  }
}

# Who looks: Google makes this identity with the first such check.
resource "google_cloud_run_v2_service_iam_member" "uptime" {
  name     = google_cloud_run_v2_service.api.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"

  depends_on = [google_monitoring_uptime_check_config.api]
}

locals {
  api_url = local.clients ? "https://${var.domain}" : google_cloud_run_v2_service.api.uri
  api     = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloud_run_v2_service.api.name}\""
}

resource "google_monitoring_alert_policy" "api_down" {
  display_name          = "${local.name}: the API is down"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Not ready, seen from more than one place"
    condition_threshold {
      filter          = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"
      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    content = "Before the first run of the line there is no champion, and this is right. After it: docs/runbook.md, and the log of the service."
  }
}

resource "google_monitoring_alert_policy" "api_errors" {
  display_name          = "${local.name}: the API answers with errors"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "More than 1 % of the answers are 5xx"
    condition_threshold {
      filter             = "${local.api} AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      denominator_filter = "${local.api} AND metric.type=\"run.googleapis.com/request_count\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.01
      duration           = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "docs/runbook.md says what the answers mean. Was it deployed just now: apply the image_tag before."
  }
}

resource "google_monitoring_alert_policy" "api_slow" {
  display_name          = "${local.name}: the API is slow"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "One answer in a hundred takes too long"
    condition_threshold {
      filter          = "${local.api} AND metric.type=\"run.googleapis.com/request_latencies\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.api_instances_min > 0 ? 500 : 10000 # ms; a start from nothing takes seconds
      duration        = "600s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_PERCENTILE_99"
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  documentation {
    content = "Are all of api_instances_max at work, more of them help; else the log of the service says what takes so long."
  }
}
