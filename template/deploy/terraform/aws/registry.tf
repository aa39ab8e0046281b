locals {
  images = toset([var.project, "${var.project}-line"])
}

resource "aws_ecr_repository" "images" {
  for_each = local.images

  name                 = "${var.environment}/${each.key}"
  image_tag_mutability = "IMMUTABLE" # what a tag names today it names for ever

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.data.arn
  }
}

resource "aws_ecr_lifecycle_policy" "images" {
  for_each = aws_ecr_repository.images

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "The last 30 versions, to go back to."
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
        action       = { type = "expire" }
      },
    ]
  })
}
