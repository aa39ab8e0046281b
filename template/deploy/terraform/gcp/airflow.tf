# The steps of the line, each a run of its job, which Airflow starts and follows: see deploy/airflow/composer.md.
variable "airflow_service_account" {
  description = "Service account that Airflow's workers have, such as that of the Composer environment. Empty: nobody's."
  type        = string
  default     = ""

  validation {
    condition     = var.airflow_service_account == "" || can(regex("^[^@[:space:]]+@[^@[:space:]]+[.]gserviceaccount[.]com$", var.airflow_service_account))
    error_message = "The address of a service account, which ends with .gserviceaccount.com, or nothing."
  }
}

output "airflow" {
  description = "What stands behind config/airflow.toml where Airflow reads it."
  value       = <<-TOML

    [cloud_run]
    project = ${jsonencode(var.project_id)}
    region = ${jsonencode(google_cloud_run_v2_job.line.location)}
    job = ${jsonencode(google_cloud_run_v2_job.line.name)}
  TOML
}

locals {
  # Of these, one or none.
  airflow = toset([for account in compact([var.airflow_service_account]) : "serviceAccount:${account}"])
}

resource "google_project_iam_custom_role" "airflow" {
  role_id     = "${replace(local.short, "-", "_")}_steps"
  title       = "${local.name}: run a step of the line"
  description = "To start its job with the arguments of a step, and to see the end."

  permissions = [
    "run.executions.get",
    "run.jobs.get",
    "run.jobs.run",
    "run.jobs.runWithOverrides",
  ]

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_job_iam_member" "airflow" {
  for_each = local.airflow

  name     = google_cloud_run_v2_job.line.name
  location = var.region
  role     = google_project_iam_custom_role.airflow.name
  member   = each.key
}

# Whether a run has ended is asked of the project, not of the job.
resource "google_project_iam_custom_role" "airflow_operations" {
  role_id     = "${replace(local.short, "-", "_")}_operations"
  title       = "${local.name}: see whether a run has ended"
  description = "What Airflow asks for while a step runs."
  permissions = ["run.operations.get"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "airflow" {
  for_each = local.airflow

  project = var.project_id
  role    = google_project_iam_custom_role.airflow_operations.name
  member  = each.key
}
