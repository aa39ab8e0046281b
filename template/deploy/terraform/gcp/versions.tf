terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # Which bucket, is said at `init`: -backend-config=environments/staging.tfbackend
  backend "gcs" {}
}
