# Beside what the project tells by itself: this is seen from outside, where nothing can tell any more.
resource "azurerm_monitor_action_group" "people" {
  name                = "people"
  short_name          = "people"
  resource_group_name = azurerm_resource_group.main.name
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails

    content {
      name                    = "email-${email_receiver.key}"
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_monitor_metric_alert" "line_failed" {
  name                = "${local.name} line failed"
  description         = "All tries of it. docs/runbook.md says what to do; what it said is in ContainerAppConsoleLogs."
  resource_group_name = azurerm_resource_group.main.name
  scopes              = [azurerm_container_app_job.line.id]
  severity            = 1
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = local.tags

  criteria {
    metric_namespace       = "Microsoft.App/jobs"
    metric_name            = "Executions"
    aggregation            = "Total"
    operator               = "GreaterThan"
    threshold              = 0
    skip_metric_validation = true # it is there once the line has run

    dimension {
      name     = "state"
      operator = "Include"
      values   = ["Failed"]
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.people.id
  }
}
