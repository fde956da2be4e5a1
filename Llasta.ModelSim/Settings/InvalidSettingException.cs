namespace Llasta.ModelSim.Settings;

/// <summary>A setting has a wrong value; the message is one sentence that names it.</summary>
public sealed class InvalidSettingException(string message) : Exception(message);
