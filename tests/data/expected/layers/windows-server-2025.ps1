#ps1_sysnative
# Change the image that this system was started from: what was asked for, no traces that
# copies must not share, sysprep, and the report. cloudbase-init has the serial console
# until it ends, so the work is that of a task which comes after it.
# Source: cloudbase-init, cloudbaseinit/utils/log.py, plugins/common/execcmd.py.
param([switch] $Work)
$ErrorActionPreference = 'Stop'
function Fail([string] $text) {
    $port = New-Object IO.Ports.SerialPort 'COM1', 115200
    $port.Open()
    $port.WriteLine("IMAGEBUILD-FAILED $text")
    $port.Close()
    exit 1
}
trap { Fail "$_" }
if (-not $Work) {
    $copy = "$env:windir\Temp\imagebuild-layer.ps1"
    Copy-Item -Force $PSCommandPath $copy
    $words = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -File `"$copy`" -Work"
    $task = @{
        TaskName = 'imagebuild'
        Action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $words
        # One of cloudbase-init's other plugins may restart the system.
        Trigger = New-ScheduledTaskTrigger -AtStartup
        Principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount
    }
    Register-ScheduledTask -Force @task | Out-Null
    Start-ScheduledTask -TaskName imagebuild
    exit 0
}
$until = (Get-Date).AddMinutes(10)
while ((Get-Date) -lt $until -and (Get-Service cloudbase-init).Status -ne 'Stopped') { Start-Sleep 2 }
Stop-Service -Force cloudbase-init
Unregister-ScheduledTask -TaskName imagebuild -Confirm:$false
$port = New-Object IO.Ports.SerialPort 'COM1', 115200
$port.Open()
$port.WriteLine('IMAGEBUILD-LAYER 0b4d5a3e-0000-4000-8000-000000000000')
$port.Close()
[Net.ServicePointManager]::SecurityProtocol = 'Tls12'
# Only audit mode has rounds of updates, with restarts between them.
$updated = @{ unpatched = 'an image of Windows that is changed is not updated' }

# What it has done for this server, which it does for each by its ID, or once where it has none.
# Source: cloudbase-init, cloudbaseinit/init.py, osutils/windows.py, _config_key.
Remove-Item -Recurse -Force -ErrorAction SilentlyContinue 'HKLM:\SOFTWARE\Cloudbase Solutions\Cloudbase-Init\*'
$msi = "$env:ProgramFiles\Cloudbase Solutions\Cloudbase-Init\log\*"

# Each server makes its own of these; the answer file holds what a user gave.
Remove-Item -Recurse -Force -ErrorAction SilentlyContinue $msi, "$env:windir\Panther\unattend.xml", "$env:windir\Temp\*", "$env:ProgramData\ssh\ssh_host_*"
foreach ($log in wevtutil.exe el) { try { wevtutil.exe cl "$log" 2> $null } catch { } }


# Sysprep forgets time zone, locale and keyboard; each copy is told them again. The rest
# is what cloudbase-init's own file says.
# Source: cloudbase-init-installer, CloudbaseInitSetup/Unattend.xml.
$unattend = "$env:windir\System32\Sysprep\imagebuild.xml"
Set-Content -Encoding utf8 $unattend @'
<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend">
  <settings pass="generalize">
    <component name="Microsoft-Windows-PnpSysprep" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <PersistAllDeviceInstalls>true</PersistAllDeviceInstalls>
    </component>
  </settings>
  <settings pass="specialize">
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <TimeZone>@TIMEZONE@</TimeZone>
    </component>
  </settings>
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-International-Core" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <InputLocale>@KEYBOARD@</InputLocale>
      <SystemLocale>@LOCALE@</SystemLocale>
      <UILanguage>@LANGUAGE@</UILanguage>
      <UserLocale>@LOCALE@</UserLocale>
    </component>
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <OOBE>
        <HideEULAPage>true</HideEULAPage>
        <NetworkLocation>Work</NetworkLocation>
        <ProtectYourPC>1</ProtectYourPC>
        <SkipMachineOOBE>true</SkipMachineOOBE>
        <SkipUserOOBE>true</SkipUserOOBE>
      </OOBE>
      <TimeZone>@TIMEZONE@</TimeZone>
    </component>
  </settings>
</unattend>
'@
$default = 'Registry::HKEY_USERS\.DEFAULT'
$region = (Get-ItemProperty "$default\Control Panel\International").LocaleName
$layout = (Get-ItemProperty "$default\Keyboard Layout\Preload").'1'
$words = @{
    '@TIMEZONE@' = [TimeZoneInfo]::Local.Id
    '@KEYBOARD@' = if ($layout -match '^0000') { $layout.Substring(4) + ':' + $layout } else { $region }
    '@LOCALE@' = $region
    '@LANGUAGE@' = [Globalization.CultureInfo]::InstalledUICulture.Name
}
$text = Get-Content -Raw $unattend
foreach ($word in $words.Keys) { $text = $text.Replace($word, [Security.SecurityElement]::Escape($words[$word])) }
Set-Content -Encoding utf8 $unattend $text

# Only a system that is ready to be copied is reported.
$words = '/generalize', '/oobe', '/quit', '/quiet', "/unattend:`"$unattend`""
$run = Start-Process "$env:windir\System32\Sysprep\sysprep.exe" -ArgumentList $words -Wait -PassThru
$state = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State').ImageState
if ($state -ne 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE') { Fail "sysprep ended with exit code $($run.ExitCode) and left $state" }

# Report, and wait until that is stored.
$report = @{
    build = '0b4d5a3e-0000-4000-8000-000000000000'
    release = (Get-CimInstance Win32_OperatingSystem).Caption
    kernel = [Environment]::OSVersion.Version.ToString()
}
foreach ($key in 'patched', 'newest_package', 'unpatched') { if ($updated.$key) { $report[$key] = $updated.$key } }
$report = $report | ConvertTo-Json -Compress
function Say([string] $text) {
    try {
        $port = New-Object IO.Ports.SerialPort 'COM1', 115200
        $port.Open()
        $port.WriteLine($text)
        $port.Close()
    } catch { }
}
# In one segment: Neutron's metadata agent loses a body that comes after its head.
function Ask([string] $method, [string] $body) {
    $head = "$method /openstack/latest/password HTTP/1.0`r`nHost: 169.254.169.254`r`n"
    $head += "Content-Length: $($body.Length)`r`n`r`n"
    $client = New-Object Net.Sockets.TcpClient '169.254.169.254', 80
    try {
        $client.ReceiveTimeout = 20000
        $bytes = [Text.Encoding]::ASCII.GetBytes($head + $body)
        $client.GetStream().Write($bytes, 0, $bytes.Length)
        return (New-Object IO.StreamReader $client.GetStream()).ReadToEnd()
    } finally { $client.Close() }
}
Say "IMAGEBUILD-REPORT $report"
try { $sent = (Ask 'POST' $report) -match '^HTTP/\S+ 200' } catch { $sent = $false }
# Once the channel shows the report, it has it for good, also when the server is off. For 15
# seconds the metadata service may show the channel as it was before. Where there is none, the
# client needs time to read the console.
foreach ($try in 1..60) {
    $shown = ''
    if ($sent) { try { $shown = ((Ask 'GET' '') -split "`r`n`r`n", 2)[1].Trim() } catch { } }
    if ($shown -eq $report) { break }
    Start-Sleep 1
}

Stop-Computer -Force
