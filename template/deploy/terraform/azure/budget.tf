# The load balancer that Azure keeps in a group of its own is not in it: README.md says what it costs.
resource "azurerm_consumption_budget_resource_group" "main" {
  name              = local.name
  resource_group_id = azurerm_resource_group.main.id
  amount            = var.monthly_budget
  time_grain        = "Monthly"

  time_period {
    start_date = formatdate("YYYY-MM-01'T'00:00:00'Z'", plantimestamp())
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 80
    threshold_type = "Actual"
    contact_emails = var.alert_emails
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 100
    threshold_type = "Forecasted"
    contact_emails = var.alert_emails
  }

  # It began with the month it was made in.
  lifecycle {
    ignore_changes = [time_period]
  }
}
