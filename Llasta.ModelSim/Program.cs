using Llasta.ModelSim;

return await ModelSimApplication.RunAsync(args);
