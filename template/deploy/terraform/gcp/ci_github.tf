# Workflows of one repository on GitHub, in its environment of this name.
resource "google_iam_workload_identity_pool_provider" "ci" {
  #checkov:skip=CKV_GCP_125:It looks for `sub`, which older and newer repositories write differently; the condition has its parts
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"

  # A workflow of this repository, in this environment of it: its reviewers have said yes. A name can be
  # given up and taken by somebody else; the id cannot.
  attribute_condition = "assertion.repository == '${var.repository}' && assertion.repository_id == '${var.repository_id}' && assertion.environment == '${var.environment}'"

  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "ci_jobs" {
  service_account_id = google_service_account.ci.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/attribute.repository_id/${var.repository_id}"
}

variable "repository" {
  description = "The repository on GitHub whose workflows deploy here, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "owner/name."
  }
}

variable "repository_id" {
  description = "Its number, which nobody else can get: `gh api repos/OWNER/NAME --jq .id`."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "The repository's number: `gh api repos/OWNER/NAME --jq .id` shows it."
  }
}
