resource "azurerm_monitor_metric_alert" "stream_down" {
  name                = "${local.name} workers down"
  description         = "They start again and again: docs/runbook.md says what to do, ContainerAppConsoleLogs what they said."
  resource_group_name = azurerm_resource_group.main.name
  scopes              = [azurerm_container_app.stream.id]
  severity            = 0
  frequency           = "PT1M"
  window_size         = "PT15M"
  tags                = local.tags

  criteria {
    metric_namespace       = "Microsoft.App/containerApps"
    metric_name            = "RestartCount"
    aggregation            = "Maximum"
    operator               = "GreaterThan"
    threshold              = 3
    skip_metric_validation = true # it is there once they have run
  }

  action {
    action_group_id = azurerm_monitor_action_group.people.id
  }
}
