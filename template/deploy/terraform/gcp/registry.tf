resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's own keys encrypt it; a key of one's own protects no more here, and costs a rotation
  repository_id = local.name
  location      = var.region
  format        = "DOCKER"

  # What was tested is what runs, and what a rollback brings back.
  docker_config {
    immutable_tags = true
  }

  depends_on = [google_project_service.this]
}

locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}
