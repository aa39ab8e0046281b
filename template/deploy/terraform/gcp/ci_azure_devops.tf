# Runs of one pipeline at Azure DevOps, on the branch main. Their token knows no environment: staging and
# production are kept apart by the pipeline, whose stages wait for their approvals.
resource "google_iam_workload_identity_pool_provider" "ci" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci.workload_identity_pool_id
  workload_identity_pool_provider_id = "azure-devops"
  display_name                       = "Azure DevOps"

  # Names can be changed and taken by others; ids cannot.
  attribute_condition = join(" && ", [
    "assertion.org_id == '${var.devops_organization_id}'",
    "assertion.prj_id == '${var.devops_project_id}'",
    "assertion.def_id == '${var.devops_pipeline_id}'",
    "assertion.rpo_ref == 'refs/heads/main'",
  ])

  # Not `sub`, which has all names and so may be longer than Google takes it.
  attribute_mapping = {
    "google.subject"       = "assertion.prj_id + ':' + assertion.def_id"
    "attribute.project_id" = "assertion.prj_id"
  }

  oidc {
    issuer_uri        = "https://vstoken.dev.azure.com/${var.devops_organization_id}"
    allowed_audiences = ["api://AzureADTokenExchange"] # it has no other
  }
}

resource "google_service_account_iam_member" "ci_jobs" {
  service_account_id = google_service_account.ci.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci.name}/attribute.project_id/${var.devops_project_id}"
}

variable "devops_organization_id" {
  description = "Id of the organization at Azure DevOps: instanceId at https://dev.azure.com/ORGANIZATION/_apis/connectionData."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.devops_organization_id))
    error_message = "An id such as 01234567-89ab-cdef-0123-456789abcdef, in lower-case letters."
  }
}

variable "devops_project_id" {
  description = "Id of the project there: `az devops project show --project NAME --query id`."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.devops_project_id))
    error_message = "An id such as 01234567-89ab-cdef-0123-456789abcdef, in lower-case letters."
  }
}

variable "devops_pipeline_id" {
  description = "Number of the pipeline that deploys: definitionId in the address of its page."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.devops_pipeline_id))
    error_message = "A number: it stands as definitionId in the address of the pipeline's page."
  }
}
