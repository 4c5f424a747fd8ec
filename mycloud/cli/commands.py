"""The table of all commands: its name and where its class is.

A table instead of entry points: scanning all installed packages for those would take longer than
most commands. A class is imported when its command is run or asked for help.
"""

import ast
import importlib
import importlib.util
from pathlib import Path
from typing import Any

from cliff.commandmanager import CommandManager

_ROOT = "mycloud.cli."

#: Commands of the local cloud's life (up, down, status, doctor): rows of modules ``local*``.
LOCAL: tuple[tuple[str, str], ...] = (
    ("up", "local:Up"),
    ("down", "local:Down"),
    ("status", "local:Status"),
    ("doctor", "local:Doctor"),
    ("node join", "node:Join"),
    ("node start", "node:Start"),
    ("node stop", "node:Stop"),
    ("node status", "node:Status"),
    ("node leave", "node:Leave"),
)

COMMANDS: tuple[tuple[str, str], ...] = (
    *LOCAL,
    ("server create", "servers.create:CreateServer"),
    ("server list", "servers.show:ListServers"),
    ("server show", "servers.show:ShowServer"),
    ("server delete", "servers.power:DeleteServer"),
    ("server start", "servers.power:StartServer"),
    ("server stop", "servers.power:StopServer"),
    ("server reboot", "servers.power:RebootServer"),
    ("server set", "servers.change:SetServer"),
    ("server unset", "servers.change:UnsetServer"),
    ("server rename", "servers.change:RenameServer"),
    ("server lock", "servers.change:LockServer"),
    ("server unlock", "servers.change:UnlockServer"),
    ("server add volume", "servers.volumes:AddVolume"),
    ("server remove volume", "servers.volumes:RemoveVolume"),
    ("server swap volume", "servers.volumes:SwapVolume"),
    ("server volume list", "servers.volumes:ListVolumes"),
    ("server console log", "servers.show:ConsoleLog"),
    ("server events", "servers.show:ServerEvents"),
    ("volume create", "volumes.create:CreateVolume"),
    ("volume list", "volumes.show:ListVolumes"),
    ("volume show", "volumes.show:ShowVolume"),
    ("volume summary", "volumes.show:VolumeSummary"),
    ("volume delete", "volumes.change:DeleteVolume"),
    ("volume set", "volumes.change:SetVolume"),
    ("volume unset", "volumes.change:UnsetVolume"),
    ("volume extend", "volumes.change:ExtendVolume"),
    ("volume migrate", "volumes.change:MigrateVolume"),
    ("volume drain", "volumes.drain:DrainBackend"),
    ("volume revert", "volumes.change:RevertVolume"),
    ("volume manage", "volumes.manage:ManageVolume"),
    ("volume unmanage", "volumes.manage:UnmanageVolume"),
    ("volume manageable list", "volumes.manage:ListManageable"),
    ("volume export", "volumes.files:ExportVolume"),
    ("volume import", "volumes.files:ImportVolume"),
    ("volume snapshot create", "volumes.snapshots:CreateSnapshot"),
    ("volume snapshot list", "volumes.snapshots:ListSnapshots"),
    ("volume snapshot show", "volumes.snapshots:ShowSnapshot"),
    ("volume snapshot delete", "volumes.snapshots:DeleteSnapshot"),
    ("volume snapshot set", "volumes.snapshots:SetSnapshot"),
    ("volume snapshot unset", "volumes.snapshots:UnsetSnapshot"),
    ("volume backup create", "volumes.backups:CreateBackup"),
    ("volume backup list", "volumes.backups:ListBackups"),
    ("volume backup show", "volumes.backups:ShowBackup"),
    ("volume backup delete", "volumes.backups:DeleteBackup"),
    ("volume backup set", "volumes.backups:SetBackup"),
    ("volume backup restore", "volumes.backups:RestoreBackup"),
    ("volume backup record export", "volumes.backups:ExportRecord"),
    ("volume backup record import", "volumes.backups:ImportRecord"),
    ("volume transfer create", "volumes.transfers:CreateTransfer"),
    ("volume transfer list", "volumes.transfers:ListTransfers"),
    ("volume transfer show", "volumes.transfers:ShowTransfer"),
    ("volume transfer delete", "volumes.transfers:DeleteTransfer"),
    ("volume transfer accept", "volumes.transfers:AcceptTransfer"),
    ("volume attachment list", "volumes.attachments:ListAttachments"),
    ("volume attachment show", "volumes.attachments:ShowAttachment"),
    ("volume type create", "volumes.types:CreateType"),
    ("volume type list", "volumes.types:ListTypes"),
    ("volume type show", "volumes.types:ShowType"),
    ("volume type delete", "volumes.types:DeleteType"),
    ("volume type set", "volumes.types:SetType"),
    ("volume type unset", "volumes.types:UnsetType"),
    ("volume qos create", "volumes.qos:CreateQos"),
    ("volume qos list", "volumes.qos:ListQos"),
    ("volume qos show", "volumes.qos:ShowQos"),
    ("volume qos delete", "volumes.qos:DeleteQos"),
    ("volume qos set", "volumes.qos:SetQos"),
    ("volume qos unset", "volumes.qos:UnsetQos"),
    ("volume qos associate", "volumes.qos:AssociateQos"),
    ("volume qos disassociate", "volumes.qos:DisassociateQos"),
    ("volume service list", "volumes.services:ListServices"),
    ("volume service set", "volumes.services:SetService"),
    ("volume pool list", "volumes.services:ListPools"),
    ("volume message list", "volumes.services:ListMessages"),
    ("volume message delete", "volumes.services:DeleteMessage"),
    ("flavor create", "flavors:CreateFlavor"),
    ("flavor list", "flavors:ListFlavors"),
    ("flavor show", "flavors:ShowFlavor"),
    ("flavor delete", "flavors:DeleteFlavor"),
    ("flavor set", "flavors:SetFlavor"),
    ("flavor unset", "flavors:UnsetFlavor"),
    ("image create", "images:CreateImage"),
    ("image list", "images:ListImages"),
    ("image show", "images:ShowImage"),
    ("image delete", "images:DeleteImage"),
    ("image set", "images:SetImage"),
    ("image unset", "images:UnsetImage"),
    ("image save", "images:SaveImage"),
    ("image member add", "image_members:AddMember"),
    ("image member remove", "image_members:RemoveMember"),
    ("image member list", "image_members:ListMembers"),
    ("image member set", "image_members:SetMember"),
    ("keypair create", "keypairs:CreateKeypair"),
    ("keypair list", "keypairs:ListKeypairs"),
    ("keypair show", "keypairs:ShowKeypair"),
    ("keypair delete", "keypairs:DeleteKeypair"),
    ("project create", "projects:CreateProject"),
    ("project list", "projects:ListProjects"),
    ("project show", "projects:ShowProject"),
    ("project delete", "projects:DeleteProject"),
    ("project set", "projects:SetProject"),
    ("user create", "users:CreateUser"),
    ("user list", "users:ListUsers"),
    ("user show", "users:ShowUser"),
    ("user delete", "users:DeleteUser"),
    ("user set", "users:SetUser"),
    ("role create", "roles:CreateRole"),
    ("role list", "roles:ListRoles"),
    ("role show", "roles:ShowRole"),
    ("role delete", "roles:DeleteRole"),
    ("role set", "roles:SetRole"),
    ("role add", "roles:AddRole"),
    ("role remove", "roles:RemoveRole"),
    ("role assignments", "roles:ListAssignments"),
    ("quota show", "quotas:ShowQuota"),
    ("quota set", "quotas:SetQuota"),
    ("host list", "hosts.show:ListHosts"),
    ("host logs", "hosts.logs:HostLogs"),
    ("host network apply", "hosts.network:ApplyNetwork"),
    ("host network show", "hosts.network:ShowNetwork"),
    ("host show", "hosts.show:ShowHost"),
    ("host stats", "hosts.stats:HostStats"),
    ("node list", "nodes:ListNodes"),
    ("node forget", "nodes:ForgetNode"),
    ("node token create", "nodes:CreateToken"),
    ("node token list", "nodes:ListTokens"),
    ("node token delete", "nodes:DeleteToken"),
    ("service list", "services:ListServices"),
    ("service set", "services:SetService"),
    ("operation list", "operations:ListOperations"),
    ("operation show", "operations:ShowOperation"),
    ("privileged verbs", "privileged:ListVerbs"),
    ("why", "why:Why"),
    ("completion", "completion:Completion"),
    ("help", "help:Help"),
)

#: Other spellings, understood and not listed.
ALIASES: tuple[tuple[str, str], ...] = (
    ("server console-log", "servers.show:ConsoleLog"),
    ("console log show", "servers.show:ConsoleLog"),
    ("server event list", "servers.show:ServerEvents"),
    ("volume backend pool list", "volumes.services:ListPools"),
    ("volume transfer request create", "volumes.transfers:CreateTransfer"),
    ("volume transfer request list", "volumes.transfers:ListTransfers"),
    ("volume transfer request show", "volumes.transfers:ShowTransfer"),
    ("volume transfer request delete", "volumes.transfers:DeleteTransfer"),
    ("volume transfer request accept", "volumes.transfers:AcceptTransfer"),
    ("role assignment list", "roles:ListAssignments"),
)


class Row:
    """One command of the table; imports its class when asked."""

    def __init__(self, name: str, target: str):
        self.name = name
        self.value = _ROOT + target

    def load(self) -> Any:
        module, _, attribute = self.value.partition(":")
        return getattr(importlib.import_module(module), attribute)

    def summary(self) -> str:
        """The first line of the command's docstring.

        It is read from the source: a list of commands must not wait for what those that start
        clouds import.
        """
        module, _, attribute = self.value.partition(":")
        source = importlib.util.find_spec(module)
        if source is None or source.origin is None:
            return ""
        tree = ast.parse(Path(source.origin).read_text(encoding="utf-8"))
        texts = [
            ast.get_docstring(node) or ""
            for node in tree.body
            if isinstance(node, ast.ClassDef) and node.name == attribute
        ]
        return texts[0].partition("\n")[0].rstrip(".") if texts else ""


class CommandTable(CommandManager):
    """cliff's look-up of commands over the table, without any scanning."""

    def __init__(self) -> None:
        super().__init__("mycloud.cli")
        rows = [Row(name, target) for name, target in (*COMMANDS, *ALIASES)]
        self.commands: dict[str, Any] = {row.name: row for row in rows}

    def load_commands(self, namespace: str) -> None:
        """Nothing: the table has all."""

    def under(self, words: list[str]) -> list[str]:
        """The listed commands whose names start with these words."""
        return [name for name, _ in COMMANDS if name.split()[: len(words)] == words]
