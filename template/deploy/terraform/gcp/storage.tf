locals {
  buckets = {
    data  = "${var.project_id}-${local.short}"       # data, registry, reports, logs: the line writes, what serves its logs alone
    files = "${var.project_id}-${local.short}-files" # what a person puts there for the line, which sees it as data/
  }
  bucket_url = "gs://${google_storage_bucket.this["data"].name}"
}

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62:Who wrote what is in the audit log below; usage logs would be a second, lesser one
  for_each = local.buckets

  name     = each.value
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 2592000 # 30 days
  }

  # What was overwritten, never what is current: files of the champion may be years old.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      with_state                 = "ARCHIVED"
      days_since_noncurrent_time = 90
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  depends_on = [google_project_service.this]
}

# Who promoted a champion, by which identity: the log has it.
resource "google_project_iam_audit_config" "storage" {
  project = var.project_id
  service = "storage.googleapis.com"

  audit_log_config {
    log_type = "DATA_WRITE"
  }

  depends_on = [google_project_service.this]
}
