# From here storage and vault are reached without leaving Azure's network.
resource "azurerm_virtual_network" "main" {
  name                = "main"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  address_space       = [var.network]
  tags                = local.tags
}

resource "azurerm_subnet" "containers" {
  name                 = "containers"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [cidrsubnet(var.network, 1, 0)]
  service_endpoints    = ["Microsoft.KeyVault", "Microsoft.Storage"]

  delegation {
    name = "container-apps"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

# No rule but Azure's own: nothing comes into the subnet but from its network and its load balancer.
resource "azurerm_network_security_group" "containers" {
  name                = "containers"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_subnet_network_security_group_association" "containers" {
  subnet_id                 = azurerm_subnet.containers.id
  network_security_group_id = azurerm_network_security_group.containers.id
}

resource "azurerm_container_app_environment" "main" {
  name                = local.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags

  infrastructure_subnet_id           = azurerm_subnet.containers.id
  infrastructure_resource_group_name = "${local.name}-containers"
  logs_destination                   = "azure-monitor" # see logs.tf

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }

  # What runs in it may pull, read secrets and read data from its first second on: rights need minutes to be known.
  depends_on = [
    azurerm_role_assignment.data,
    azurerm_role_assignment.images,
    azurerm_role_assignment.operators_data,
    azurerm_role_assignment.operators_images,
    azurerm_role_assignment.operators_secrets,
    azurerm_role_assignment.secrets,
    azurerm_subnet_network_security_group_association.containers,
  ]
}
