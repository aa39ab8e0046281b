# Images come and go with an identity: there is no admin, and nobody pulls without a name.
resource "azurerm_container_registry" "images" {
  name                = "${local.short}${local.suffix}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags

  sku           = "Basic"
  admin_enabled = false
}
