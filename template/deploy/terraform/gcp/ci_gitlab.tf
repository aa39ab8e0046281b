# Jobs of one project at GitLab, on its protected branch main and for its environment of this name.
resource "google_iam_workload_identity_pool_provider" "ci" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = "gitlab"
  display_name                       = "GitLab"

  # Paths can be given up and taken by somebody else; the project's id cannot.
  attribute_condition = join(" && ", [
    "assertion.project_id == '${var.gitlab_project_id}'",
    "assertion.ref_type == 'branch'",
    "assertion.ref == 'main'",
    "assertion.ref_protected == 'true'",
    "assertion.environment == '${var.environment}'",
  ])

  # Not `sub`, which has the path and so may be longer than Google takes it.
  attribute_mapping = {
    "google.subject"       = "assertion.project_id + ':' + assertion.environment"
    "attribute.project_id" = "assertion.project_id"
  }

  oidc {
    issuer_uri = "https://${var.gitlab_host}"
  }
}

resource "google_service_account_iam_member" "ci_jobs" {
  service_account_id = google_service_account.ci.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/attribute.project_id/${var.gitlab_project_id}"
}

variable "gitlab_host" {
  description = "Where GitLab is, when it is one of your own: Google has to reach it."
  type        = string
  default     = "gitlab.com"

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$", var.gitlab_host))
    error_message = "A name such as gitlab.example.com, without https://."
  }
}

variable "gitlab_project_id" {
  description = "Number of the project at GitLab, which no other one can get: it is in the menu (⋮) of the project's page."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.gitlab_project_id))
    error_message = "The project's number: it is in the menu (⋮) of the project's page."
  }
}
