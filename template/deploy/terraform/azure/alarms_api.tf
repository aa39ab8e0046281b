locals {
  # Metrics of Container Apps, and when they are too much.
  api_alarms = {
    "API down" = {
      description = "Instances start again and again. Was it deployed just now: apply the image_tag before."
      severity    = 0
      metric      = "RestartCount"
      aggregation = "Maximum"
      threshold   = 3
      window      = "PT15M"
      classes     = []
    }
    "API errors" = {
      description = "More than 5 answers 5xx in 5 minutes: docs/runbook.md says what they mean."
      severity    = 1
      metric      = "Requests"
      aggregation = "Total"
      threshold   = 5
      window      = "PT5M"
      classes     = ["5xx"]
    }
    "API slow" = {
      description = "Are all of api_instances_max at work, more of them help; else its log says what takes so long."
      severity    = 2
      metric      = "ResponseTime"
      aggregation = "Average"
      threshold   = var.api_instances_min > 0 ? 500 : 10000 # ms; a start from nothing takes seconds
      window      = "PT15M"
      classes     = []
    }
  }
}

resource "azurerm_monitor_metric_alert" "api" {
  for_each = local.api_alarms

  name                = "${local.name} ${each.key}"
  description         = each.value.description
  resource_group_name = azurerm_resource_group.main.name
  scopes              = [azurerm_container_app.api.id]
  severity            = each.value.severity
  frequency           = "PT1M"
  window_size         = each.value.window
  tags                = local.tags

  criteria {
    metric_namespace       = "Microsoft.App/containerApps"
    metric_name            = each.value.metric
    aggregation            = each.value.aggregation
    operator               = "GreaterThan"
    threshold              = each.value.threshold
    skip_metric_validation = true # they are there once it has answered

    dynamic "dimension" {
      for_each = each.value.classes

      content {
        name     = "statusCodeCategory"
        operator = "Include"
        values   = [dimension.value]
      }
    }
  }

  action {
    action_group_id = azurerm_monitor_action_group.people.id
  }
}

# Where one is to be up always, none is an alarm.
resource "azurerm_monitor_metric_alert" "api_gone" {
  count = var.api_instances_min > 0 ? 1 : 0

  name                = "${local.name} API gone"
  description         = "No instance of it is up. Why, is in ContainerAppSystemLogs. Was it deployed just now: apply the image_tag before."
  resource_group_name = azurerm_resource_group.main.name
  scopes              = [azurerm_container_app.api.id]
  severity            = 0
  frequency           = "PT1M"
  window_size         = "PT5M"
  tags                = local.tags

  criteria {
    metric_namespace       = "Microsoft.App/containerApps"
    metric_name            = "Replicas"
    aggregation            = "Maximum"
    operator               = "LessThan"
    threshold              = 1
    skip_metric_validation = true
  }

  action {
    action_group_id = azurerm_monitor_action_group.people.id
  }
}
