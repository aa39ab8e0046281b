# A load balancer for callers without an identity of Google's: made when client_cidrs are named.
locals {
  clients  = length(var.client_cidrs) > 0
  balanced = local.clients ? 1 : 0
}

resource "google_compute_region_network_endpoint_group" "api" {
  count = local.balanced

  name                  = "${local.name}-api"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.api.name
  }
}

resource "google_compute_backend_service" "api" {
  count = local.balanced

  name                  = "${local.name}-api"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.api[0].id

  backend {
    group = google_compute_region_network_endpoint_group.api[0].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

data "google_monitoring_uptime_check_ips" "this" {
  count = local.balanced
}

resource "google_compute_security_policy" "api" {
  count = local.balanced

  name = "${local.name}-api"

  rule {
    description = "Nobody, but for whom a rule before this one lets in"
    action      = "deny(403)"
    priority    = 2147483647
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  # A known attack on Java's Log4j, from wherever it comes.
  rule {
    action   = "deny(403)"
    priority = 100
    match {
      expr {
        expression = "evaluatePreconfiguredExpr('cve-canary')"
      }
    }
  }

  # A rule takes ten networks.
  dynamic "rule" {
    for_each = chunklist(var.client_cidrs, 10)
    content {
      description = "Clients"
      action      = "allow"
      priority    = 1000 + rule.key
      match {
        versioned_expr = "SRC_IPS_V1"
        config {
          src_ip_ranges = rule.value
        }
      }
    }
  }

  dynamic "rule" {
    for_each = chunklist(data.google_monitoring_uptime_check_ips.this[0].uptime_check_ips[*].ip_address, 10)
    content {
      description = "Google's uptime checks"
      action      = "allow"
      priority    = 2000 + rule.key
      match {
        versioned_expr = "SRC_IPS_V1"
        config {
          src_ip_ranges = rule.value
        }
      }
    }
  }
}

resource "google_compute_url_map" "api" {
  count = local.balanced

  name            = "${local.name}-api"
  default_service = google_compute_backend_service.api[0].id
}

resource "google_compute_managed_ssl_certificate" "api" {
  count = local.balanced

  name = "${local.name}-${substr(sha1(var.domain), 0, 6)}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = var.domain != ""
      error_message = "client_cidrs come in by a name of your own: set domain, such as churn.example.com."
    }
  }
}

resource "google_compute_ssl_policy" "api" {
  count = local.balanced

  name            = "${local.name}-api"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "api" {
  count = local.balanced

  name             = "${local.name}-api"
  url_map          = google_compute_url_map.api[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.api[0].id]
  ssl_policy       = google_compute_ssl_policy.api[0].id
}

resource "google_compute_global_address" "api" {
  count = local.balanced

  name = "${local.name}-api"

  depends_on = [google_project_service.this]
}

# Port 443 alone: nothing answers without TLS.
resource "google_compute_global_forwarding_rule" "api" {
  count = local.balanced

  name                  = "${local.name}-api"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.api[0].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.api[0].id
}
