# The bucket of the state was made by hand, before there was a state: the rest of it is said here.
resource "aws_s3_bucket_versioning" "state" {
  bucket = var.state_bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = var.state_bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
